plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "edge.@@android_name@@"
    compileSdk = 35

    defaultConfig {
        applicationId = "edge.@@android_name@@"
        minSdk = 24
        targetSdk = 35
        versionCode = 1
        versionName = "0.1"
    }

    // A model is read as it is: compressing it in the package would only slow the start.
    androidResources {
        noCompress += listOf("onnx", "ort", "bin")
    }

    kotlinOptions {
        jvmTarget = "17"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

dependencies {
    implementation("com.microsoft.onnxruntime:onnxruntime-android:1.20.0")
}
